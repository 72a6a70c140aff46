package main

import (
	"github.com/spf13/cobra"

	"github.com/musterrun/muster/internal/vet"
)

func newVet() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vet [PACKAGES]",
		Short: "Find mistakes in the use of muster that the compiler can't see",
		Example: `  muster vet ./...
  go vet -vettool=$(which muster) ./...   the same checks, as a part of go vet`,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			args = []string{"."}
		}
		found, err := vet.Run(cmd.Context(), ".", args, cmd.OutOrStdout(), *asJSON)
		if err == nil && found > 0 {
			return codeError(exitFailed)
		}
		return err
	}
	return cmd
}
