"""What goes wrong for a reason that others can do something about."""

__all__ = ["NotAttended", "UserError"]


class NotAttended(RuntimeError):
    """A room takes no more tasks: nobody attends it, or its end has begun."""


class UserError(Exception):
    """The message is for people: one line an error, without a traceback."""
