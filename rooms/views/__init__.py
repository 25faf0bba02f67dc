from .about import about, leave, level, star
from .account import (
    close_account,
    confirm_email,
    log_in,
    log_in_elsewhere,
    reset_password_from_key,
    sign_up,
    social_sign_up,
)
from .attach import attach
from .blocks import block, blocks, unblock
from .compose import compose
from .editing import edit_last, edit_message
from .exports import delete_export, export, export_file, export_row, exports
from .feed import feed, feed_link, secret_feed
from .file import file
from .help import writing
from .history import day, history, year
from .invitation import invitation
from .inviting import invite, make_link, revoke_link
from .keep_name import keep_name
from .lobby import lobby
from .mail import stop_mail
from .making import archived, direct, new_room
from .menu import menu
from .message import about_message, delete_message, report_message
from .order import ban, bans, close, give_role, member, remove, slow, unban
from .owning import archive, describe, keep
from .past import message, newer
from .person import person, picture
from .pins import pin, pinned, save, saved
from .preview import preview
from .probes import health, metrics, ready
from .reactions import message_reactions, react
from .reading import read_all
from .reply import reply
from .reports import delete_reported, dismiss_report, reports
from .room import messages, room
from .search import search
from .settings import settings, settings_picture
from .small import favicon, my_style, part
from .threads import follow, followed, thread
from .welcome import welcome

__all__ = [
    "about",
    "about_message",
    "archive",
    "archived",
    "attach",
    "ban",
    "bans",
    "block",
    "blocks",
    "close",
    "close_account",
    "compose",
    "confirm_email",
    "day",
    "delete_export",
    "delete_message",
    "delete_reported",
    "describe",
    "direct",
    "dismiss_report",
    "edit_last",
    "edit_message",
    "export",
    "export_file",
    "export_row",
    "exports",
    "favicon",
    "feed",
    "feed_link",
    "file",
    "follow",
    "followed",
    "give_role",
    "health",
    "history",
    "invitation",
    "invite",
    "keep",
    "keep_name",
    "leave",
    "level",
    "lobby",
    "log_in",
    "log_in_elsewhere",
    "make_link",
    "member",
    "menu",
    "message",
    "message_reactions",
    "messages",
    "my_style",
    "metrics",
    "new_room",
    "newer",
    "part",
    "person",
    "picture",
    "pin",
    "pinned",
    "preview",
    "react",
    "read_all",
    "ready",
    "remove",
    "reply",
    "report_message",
    "reports",
    "reset_password_from_key",
    "revoke_link",
    "room",
    "save",
    "saved",
    "search",
    "secret_feed",
    "settings",
    "settings_picture",
    "sign_up",
    "slow",
    "social_sign_up",
    "star",
    "stop_mail",
    "thread",
    "unban",
    "unblock",
    "welcome",
    "writing",
    "year",
]
