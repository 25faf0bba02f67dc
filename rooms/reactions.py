"""Answering a message with an emoji."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rooms import access, changes
from rooms.access import Access, Refused
from rooms.emoji import is_one, name_of
from rooms.events import Change
from rooms.models import Message, Person, Reaction

MOST = 20  # different emoji on one message


def toggle(message: Message, by: Person, emoji: str) -> Change | None:
    """React to `message` with `emoji`, or take that back. Returns the change. Raises Refused."""
    if not is_one(emoji):
        raise Refused(_("That is not an emoji."))

    def react(mine: Access, message: Message) -> list[str]:
        if problem := mine.why_not_react(message):
            raise Refused(problem)
        access.check_not_blocked(mine.room)
        own = Reaction.objects.filter(message=message, person=by, emoji=emoji)
        if not own.delete()[0]:
            kinds = set(Reaction.objects.filter(message=message).values_list("emoji", flat=True))
            if len(kinds | {emoji}) > MOST:
                problem = ngettext(
                    "%(most)s reaction to one message is enough.",
                    "%(most)s different reactions to one message are enough.",
                    MOST,
                )
                raise Refused(problem % {"most": MOST})
            Reaction.objects.create(message=message, person=by, emoji=emoji)
        return []

    return changes.alter(message, by, react)


def people(message: Message) -> list[tuple[str, str, list[str]]]:
    """Each emoji, its name, and the names of those who reacted with it, first come first."""
    reacted: dict[str, list[str]] = {}
    own = Reaction.objects.filter(message=message).order_by("pk").values_list("emoji", "person__username")
    for emoji, name in own:
        reacted.setdefault(emoji, []).append(name)
    return [(emoji, name_of(emoji), people) for emoji, people in reacted.items()]
