from .lobby import lobby
from .message import message
from .person import person, picture
from .room import messages, room
from .settings import settings, settings_picture
from .small import favicon, health, my_style, part

__all__ = [
    "favicon",
    "health",
    "lobby",
    "message",
    "messages",
    "my_style",
    "part",
    "person",
    "picture",
    "room",
    "settings",
    "settings_picture",
]
