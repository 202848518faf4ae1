package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
)

// confirm asks a person, and refuses where there is none to ask.
func confirm(ctx context.Context, env Environment, yes bool, question string) error {
	if yes {
		return nil
	}
	if !isTerminal(env.Stdin) {
		return usage("nothing was changed: there is no terminal to ask on; --yes does it without asking")
	}
	fmt.Fprintf(env.Stderr, "%s Only yes is taken for it: ", question)
	answer := make(chan string, 1)
	go func() { // reading cannot be broken off; the process ends soon after
		line, _ := bufio.NewReader(env.Stdin).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case said := <-answer:
		if strings.EqualFold(said, "yes") {
			return nil
		}
		return errors.New("nothing was changed: the answer was not yes")
	case <-ctx.Done():
		return fmt.Errorf("nothing was changed: %w", ctx.Err())
	}
}
