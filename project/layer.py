"""The channel layer: that of channels_redis, and many messages in one trip."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisSingleShardConnection
from channels_redis.utils import decode_hosts
from redis.asyncio.client import PubSub


class _Listener(PubSub):
    """Hears the groups, and counts how often it had to connect again: what was sent meanwhile is lost."""

    returns = 0

    async def on_connect(self, connection: Any) -> None:
        await super().on_connect(connection)
        self.returns += 1


class _Shard(RedisSingleShardConnection):
    def _ensure_redis(self) -> None:
        if self._redis is None:
            super()._ensure_redis()
            redis: Any = self._redis
            self._pubsub = _Listener(redis.connection_pool)


class PipelinedLayer(RedisPubSubChannelLayer):
    """Sends many messages in one trip, where `group_send` waits for Redis to answer before the next one may
    ask; and knows when it may have missed some."""

    def __init__(self, hosts: Iterable[Any] | None = None, **options: Any) -> None:
        # With version 3 of the protocol redis-py writes each message that comes into a log that nobody reads.
        super().__init__(hosts=[server | {"protocol": 2} for server in decode_hosts(hosts)], **options)

    def _get_layer(self) -> Any:
        layer = super()._get_layer()
        if not isinstance(layer._shards[0], _Shard):
            layer._shards = [_Shard(shard.host, layer) for shard in layer._shards]
        return layer

    @property
    def returns(self) -> int:
        """How often, in the running event loop, a Redis was heard again after it was not."""
        return sum(shard._pubsub.returns for shard in self._get_layer()._shards if shard._pubsub)

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
