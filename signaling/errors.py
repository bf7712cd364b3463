"""What goes wrong for a reason that people can do something about."""

__all__ = ["UserError"]


class UserError(Exception):
    """The message is for people: one line an error, without a traceback."""
