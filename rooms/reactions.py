"""Answering a message with an emoji."""

import emoji as names

from rooms import changes
from rooms.access import Access, Refused
from rooms.events import Change
from rooms.models import Message, Person, Reaction

MOST = 20  # different emoji on one message
AT_HAND = ["👍", "❤️", "😂", "🎉", "😮", "😢", "👀"]
SHOWN = 60  # emoji that are found at once


def is_one(text: str) -> bool:
    """Whether `text` is one emoji, and nothing else."""
    return names.is_emoji(text)


def name_of(emoji: str) -> str:
    """What it is called: thumbs up."""
    return names.demojize(emoji, delimiters=("", "")).replace("_", " ")


def found(query: str) -> list[tuple[str, str]]:
    """Emoji with all the words of `query` in their names, each with its name; those at hand without one."""
    words = query.lower().replace("_", " ").split()[:5]
    if not words:
        return [(emoji, name_of(emoji)) for emoji in AT_HAND]
    all_of = (
        (one, data["en"].strip(":").replace("_", " "))
        for one, data in names.EMOJI_DATA.items()
        if data["status"] == names.STATUS["fully_qualified"]
    )
    matching = [(one, name) for one, name in all_of if all(word in name.lower() for word in words)]
    return sorted(matching, key=lambda pair: (len(pair[1]), pair[1]))[:SHOWN]


def toggle(message: Message, by: Person, emoji: str) -> Change | None:
    """React to `message` with `emoji`, or take that back. Returns the change. Raises Refused."""
    if not is_one(emoji):
        raise Refused("That is not an emoji.")

    def react(mine: Access, message: Message) -> list[str]:
        if problem := mine.why_not_react(message):
            raise Refused(problem)
        changes.check_not_blocked(mine.room)
        own = Reaction.objects.filter(message=message, person=by, emoji=emoji)
        if not own.delete()[0]:
            kinds = set(Reaction.objects.filter(message=message).values_list("emoji", flat=True))
            if len(kinds | {emoji}) > MOST:
                raise Refused(f"{MOST} different reactions to one message are enough.")
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
