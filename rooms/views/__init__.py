from .lobby import lobby
from .room import messages, room
from .small import favicon, health, my_style, parts

__all__ = ["favicon", "health", "lobby", "messages", "my_style", "parts", "room"]
