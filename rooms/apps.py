from django.apps import AppConfig


class RoomsConfig(AppConfig):
    name = "rooms"

    def ready(self) -> None:
        from project import checks, slow_queries  # noqa: F401 — they are registered from here on
        from project.connections import keep_connections
        from rooms import sessions  # noqa: F401 — it listens from here on
        from rooms.accounts import keeping  # noqa: F401 — likewise
        from rooms.search import forgetting  # noqa: F401 — likewise

        keep_connections()
        slow_queries.watch()
