package cli

import (
	"context"

	"marain/backend/coordinator"
)

func validateCommand() command {
	return command{
		name:    "validate",
		args:    "[FILE...]",
		summary: "check the files, and touch nothing",
		text: `Checks all files of the project, or the named ones, and prints every problem with file, line
and column. Neither the database nor any file is changed, and a project that was never opened
before can be checked too.

Exit status: 0 all valid, 4 invalid files.`,
		examples: []string{"marain validate", "marain validate schemas/article.schema.yaml"},
		names:    -1,
		readOnly: true,
		run:      runValidate,
	}
}

func runValidate(ctx context.Context, inv *invocation) (int, error) {
	if err := inv.withProject(); err != nil {
		return 0, err
	}
	files, err := inv.files()
	if err != nil {
		return 0, err
	}
	result, err := ask(ctx, inv, func(e Engine) (coordinator.ValidateResult, error) { return e.Validate(ctx, files) })
	if err != nil {
		return 0, err
	}
	code := ExitDone
	if !result.OK {
		code = ExitInvalid
	}
	return code, inv.show(result, func(p *printer) {
		if result.OK {
			p.line(green.is("Valid"), ": ", many(result.Files, "file"))
			return
		}
		printProblems(p, "", result.Problems)
		p.blank()
		p.line(red.is("%s", many(len(invalidFiles(result.Problems)), "invalid file")), " of ", result.Files)
	})
}
