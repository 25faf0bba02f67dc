from .lobby import lobby
from .room import messages, room
from .small import favicon, health, my_style, part

__all__ = ["favicon", "health", "lobby", "messages", "my_style", "part", "room"]
