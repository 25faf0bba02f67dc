from .act import Act
from .ban import Ban
from .block import Block
from .draft import Draft
from .export import Export
from .file import File
from .former_slug import FormerSlug
from .invitation import Invitation
from .membership import Level, Membership, Role
from .message import Message
from .person import Person
from .pin import Pin
from .reaction import Reaction
from .report import Report
from .revision import Revision
from .room import Kind, Room
from .saved import Saved
from .site import SiteSettings
from .tally import Tally
from .thread import Following, Thread

__all__ = [
    "Act",
    "Ban",
    "Block",
    "Draft",
    "Export",
    "File",
    "Following",
    "FormerSlug",
    "Invitation",
    "Kind",
    "Level",
    "Membership",
    "Message",
    "Person",
    "Pin",
    "Reaction",
    "Report",
    "Revision",
    "Role",
    "Room",
    "Saved",
    "SiteSettings",
    "Tally",
    "Thread",
]
