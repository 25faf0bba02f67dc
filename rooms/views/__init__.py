from .lobby import lobby
from .message import message
from .room import messages, room
from .small import favicon, health, my_style, part

__all__ = ["favicon", "health", "lobby", "message", "messages", "my_style", "part", "room"]
