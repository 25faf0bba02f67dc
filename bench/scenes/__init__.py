"""What can be measured."""

from bench.scenes import fanout, memory, reconnect, stalled
from bench.scenes.scene import Scene

SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (fanout.ONE_ROOM, fanout.MANY_ROOMS, reconnect.RECONNECT, stalled.STALLED, memory.MEMORY)
}
