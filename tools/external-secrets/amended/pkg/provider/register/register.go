// Package register imports the one provider that is used here; with all of them the build takes much longer.
package register

import _ "github.com/external-secrets/external-secrets/pkg/provider/aws"
