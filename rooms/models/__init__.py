from .act import Act
from .ban import Ban
from .block import Block
from .export import Export
from .former_slug import FormerSlug
from .invitation import Invitation
from .membership import Membership, Role
from .message import Message
from .person import Person
from .report import Report
from .room import Kind, Room
from .site import SiteSettings
from .tally import Tally

__all__ = [
    "Act",
    "Ban",
    "Block",
    "Export",
    "FormerSlug",
    "Invitation",
    "Kind",
    "Membership",
    "Message",
    "Person",
    "Report",
    "Role",
    "Room",
    "SiteSettings",
    "Tally",
]
