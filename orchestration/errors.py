"""The failures an operator can mend: one sentence on what is wrong and one on what to type or do next."""


class OperatorError(Exception):
    """Ends a command with `message`, then `remedy`; neither ever holds a value of a customer."""

    def __init__(self, message: str, *, remedy: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"
