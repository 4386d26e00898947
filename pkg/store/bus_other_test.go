//go:build !linux

package store_test

import "github.com/authctl/authctl/pkg/store"

func inRunFolder(string) *store.Store { return nil }
