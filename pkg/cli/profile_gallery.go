package cli

import (
	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/gallery"
)

func (a *app) profileGalleryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gallery",
		Short: "List the ready profiles of real products",
		Long: `List the profiles that come with authctl: real products, each tested against the
requests and answers that the product documents. --output json names the page
that each was read from.`,
		Example: "  authctl profile gallery\n  authctl profile gallery --output json",
		Args:    between(0, 0, "no arguments"),
		RunE:    func(*cobra.Command, []string) error { return a.listGallery() },
	}
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd)
}

func (a *app) listGallery() error {
	entries, err := gallery.Entries()
	if err != nil {
		return err
	}
	if a.output == outputJSON {
		return console.WriteJSON(a.out, entries)
	}
	table := console.NewTable("NAME", "ABOUT")
	for _, entry := range entries {
		table.Row(console.Cell{Text: entry.Name, Role: console.Key}, console.Cell{Text: entry.Description})
	}
	return table.Print(a.out)
}
