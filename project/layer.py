"""The channel layer: that of channels_redis, and many messages in one trip."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer
from channels_redis.utils import decode_hosts


class PipelinedLayer(RedisPubSubChannelLayer):
    """Its `group_send` waits for Redis to answer before the next one may ask."""

    def __init__(self, hosts: Iterable[Any] | None = None, **options: Any) -> None:
        # With version 3 of the protocol redis-py writes each message that comes into a log that nobody reads.
        super().__init__(hosts=[server | {"protocol": 2} for server in decode_hosts(hosts)], **options)

    async def group_send_all(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """As `group_send` of each of these, a group and a message: in this order, and in one trip to each
        Redis. Raises what redis-py raises, where some may have gone out."""
        layer = self._get_layer()
        of_shard = defaultdict[Any, list[tuple[str, bytes]]](list)
        for group, message in messages:
            name = layer._get_group_channel_name(group)
            of_shard[layer._get_shard(name)].append((name, self.serialize(message)))
        for shard, named in of_shard.items():
            async with shard._lock:
                shard._ensure_redis()
                pipeline = shard._redis.pipeline(transaction=False)
                for name, data in named:
                    pipeline.publish(name, data)
                await pipeline.execute()
