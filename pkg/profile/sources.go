package profile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrNoFiles says that there is neither the file nor one in the folder.
var ErrNoFiles = errors.New("no profiles")

// Sources say where profiles are read from: a file, and a folder of files that
// end in .yaml or .yml. Either of them may be absent; where no folder is named,
// the file must be there.
type Sources struct{ File, Folder string }

// Files lists the files to read, in their order.
func (s Sources) Files() ([]string, error) {
	if s.Folder == "" {
		return []string{s.File}, nil
	}
	var files []string
	if _, err := os.Stat(s.File); err == nil {
		files = append(files, s.File)
	}
	more, err := os.ReadDir(s.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, entry := range more {
		name := entry.Name()
		if ext := filepath.Ext(name); (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(name, ".") {
			files = append(files, filepath.Join(s.Folder, name))
		}
	}
	if len(files) == 0 {
		return nil, ErrNoFiles
	}
	return files, nil
}
