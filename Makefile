# The same commands for people who type make.
.PHONY: demo test up bench setup
demo test up bench setup:
	@./run $@
