// Package register imports no generator, since none is used here.
package register
