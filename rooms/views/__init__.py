from .account import (
    close_account,
    confirm_email,
    log_in,
    log_in_elsewhere,
    reset_password_from_key,
    sign_up,
    social_sign_up,
)
from .invitation import invitation
from .keep_name import keep_name
from .lobby import lobby
from .message import message
from .person import person, picture
from .room import messages, room
from .settings import settings, settings_picture
from .small import favicon, health, my_style, part
from .welcome import welcome

__all__ = [
    "close_account",
    "confirm_email",
    "favicon",
    "health",
    "invitation",
    "keep_name",
    "lobby",
    "log_in",
    "log_in_elsewhere",
    "message",
    "messages",
    "my_style",
    "part",
    "person",
    "picture",
    "reset_password_from_key",
    "room",
    "settings",
    "settings_picture",
    "sign_up",
    "social_sign_up",
    "welcome",
]
