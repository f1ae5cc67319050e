"""The command that runs the courier: for an operator who starts the processes one by one."""

from sandbox.cli.terminal import app


@app.command()
def courier() -> None:
    """Send the mails that wait, until it is stopped. The settings are CIHU_SMTP_HOST and its like (the page
    on notices in the documentation names them); `cihu up` starts it where they are set."""
    from sandbox.courier.app import main

    main()
