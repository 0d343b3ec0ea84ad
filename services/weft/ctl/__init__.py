"""`weftctl`: what an operator says to the fabric and asks of it.

`main` is the menu and loads nothing that `--help` does not need; every command lives in a module of its own and is
loaded when it runs. Commands return text or raise `CtlError`; only `main` knows about exit codes and the terminal.
"""
