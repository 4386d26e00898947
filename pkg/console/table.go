package console

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

const (
	columnGap = "  "
	minColumn = 8 // a column is not made narrower than this
)

// Cell is one field of a table.
type Cell struct {
	Text string // sanitised when it is printed
	Role Role
}

// Table is text in aligned columns under a header.
type Table struct{ rows [][]Cell }

// NewTable returns a table with a header and no rows. Without names there is
// no header.
func NewTable(header ...string) *Table {
	t := new(Table)
	if len(header) == 0 {
		return t
	}
	var cells []Cell
	for _, name := range header {
		cells = append(cells, Cell{name, Bold})
	}
	t.Row(cells...)
	return t
}

// Row adds a row. Cells that are left out are empty.
func (t *Table) Row(cells ...Cell) { t.rows = append(t.rows, cells) }

// Print writes the table. On a terminal that is too narrow the widest columns
// are wrapped; elsewhere every row is one line of any length. Nothing is ever
// cut off.
func (t *Table) Print(s *Stream) error {
	meter := newMeter()
	rows := make([][]Cell, len(t.rows))
	var widths []int
	for i, row := range t.rows {
		for j, cell := range row {
			cell.Text = Sanitize(cell.Text)
			rows[i] = append(rows[i], cell)
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], meter.StringWidth(cell.Text))
		}
	}
	if s.Terminal() {
		shrink(widths, s.Width())
	}
	var out strings.Builder
	for _, row := range rows {
		writeRow(&out, s, meter, row, widths)
	}
	_, err := s.Write([]byte(out.String()))
	return err
}

// newMeter knows how many columns a character takes.
func newMeter() *runewidth.Condition { return &runewidth.Condition{StrictEmojiNeutral: true} }

// Wrap cuts sanitised text into pieces of at most width columns, at blanks
// where it can. Nothing but blanks at the cuts is lost.
func Wrap(text string, width int) []string { return wrap(newMeter(), text, width) }

// shrink takes from the widest column until the row fits or nothing is left to
// take.
func shrink(widths []int, room int) {
	total := (len(widths) - 1) * len(columnGap)
	for _, w := range widths {
		total += w
	}
	for ; total > room; total-- {
		widest := slices.Max(widths)
		if widest <= minColumn {
			return
		}
		widths[slices.Index(widths, widest)]--
	}
}

// writeRow writes one row, as many lines high as its highest cell.
func writeRow(out *strings.Builder, s *Stream, meter *runewidth.Condition, row []Cell, widths []int) {
	wrapped := make([][]string, len(row))
	height := 1
	for j, cell := range row {
		wrapped[j] = wrap(meter, cell.Text, widths[j])
		height = max(height, len(wrapped[j]))
	}
	for line := range height {
		blank := 0 // spaces due before the next piece: none at the end of a line
		first := true
		for j, cell := range row {
			text := ""
			if line < len(wrapped[j]) {
				text = wrapped[j][line]
			}
			if text != "" {
				if first {
					text = startOfLine(text)
				}
				first = false
				out.WriteString(strings.Repeat(" ", blank))
				out.WriteString(s.Paint(cell.Role, text))
				blank = 0
			}
			blank += max(0, widths[j]-meter.StringWidth(text)) + len(columnGap)
		}
		out.WriteByte('\n')
	}
}

// wrap cuts text into pieces of at most width columns, at blanks where it can.
func wrap(meter *runewidth.Condition, text string, width int) []string {
	var pieces []string
	for meter.StringWidth(text) > width {
		piece := meter.Truncate(text, width, "")
		if piece == "" { // a character wider than the column
			_, size := utf8.DecodeRuneInString(text)
			piece = text[:size]
		}
		rest := text[len(piece):]
		if at := strings.LastIndexByte(piece, ' '); at > 0 && rest[0] != ' ' {
			piece, rest = text[:at], text[at:]
		}
		pieces = append(pieces, strings.TrimRight(piece, " "))
		text = strings.TrimLeft(rest, " ")
	}
	if text != "" || len(pieces) == 0 {
		pieces = append(pieces, text)
	}
	return pieces
}
