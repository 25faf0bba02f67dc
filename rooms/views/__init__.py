from .about import about, leave, mute, star
from .blocks import block, blocks, unblock
from .inviting import invite, make_link, revoke_link
from .lobby import lobby
from .making import archived, direct, new_room
from .message import delete_message, message, report_message
from .order import ban, bans, close, give_role, member, remove, slow, unban
from .owning import archive, describe
from .person import person, picture
from .reports import delete_reported, dismiss_report, reports
from .room import messages, room
from .settings import settings, settings_picture
from .small import favicon, health, my_style, part

__all__ = [
    "about",
    "archive",
    "archived",
    "ban",
    "bans",
    "block",
    "blocks",
    "close",
    "delete_message",
    "delete_reported",
    "describe",
    "direct",
    "dismiss_report",
    "favicon",
    "give_role",
    "health",
    "invite",
    "leave",
    "lobby",
    "make_link",
    "member",
    "message",
    "messages",
    "mute",
    "my_style",
    "new_room",
    "part",
    "person",
    "picture",
    "remove",
    "report_message",
    "reports",
    "revoke_link",
    "room",
    "settings",
    "settings_picture",
    "slow",
    "star",
    "unban",
    "unblock",
]
