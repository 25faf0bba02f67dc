"""What can be measured."""

from bench.scenes.fanout import MANY_ROOMS, ONE_ROOM
from bench.scenes.memory import MEMORY
from bench.scenes.mixed import MIXED, SOAK
from bench.scenes.pages import PAGES
from bench.scenes.reconnect import RECONNECT
from bench.scenes.scene import Scene
from bench.scenes.stalled import STALLED
from bench.scenes.weight import WEIGHT

ALL = (ONE_ROOM, MANY_ROOMS, RECONNECT, STALLED, MEMORY, PAGES, MIXED, SOAK, WEIGHT)
SCENES: dict[str, Scene] = {scene.name: scene for scene in ALL}
