from .membership import Membership
from .message import Message
from .person import Person
from .room import Room

__all__ = ["Membership", "Message", "Person", "Room"]
