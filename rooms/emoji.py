"""Emoji by their short names."""

# The common ones.
_NAMES = """
+1 👍 -1 👎 100 💯 angry 😠 blush 😊 bug 🐛 cat 🐱 clap 👏 coffee ☕ confused 😕 cry 😢 dog 🐶 eyes 👀
fire 🔥 gift 🎁 grin 😁 heart ❤️ heart_eyes 😍 hugs 🤗 joy 😂 kiss 😘 laughing 😆 muscle 💪 ok_hand 👌
party 🥳 pray 🙏 raised_hands 🙌 rocket 🚀 rofl 🤣 shrug 🤷 sleeping 😴 smile 😄 smirk 😏 sob 😭
sparkles ✨ star ⭐ sunglasses 😎 tada 🎉 thinking 🤔 upside_down 🙃 warning ⚠️ wave 👋
white_check_mark ✅ wink 😉 x ❌ zap ⚡
"""
_WORDS = _NAMES.split()
_NAMED = list(zip(_WORDS[::2], _WORDS[1::2], strict=True))


def emoji_named(prefix: str) -> list[tuple[str, str]]:
    """The short names that begin with `prefix`, which is in lower case, each with its emoji."""
    return [(name, emoji) for name, emoji in _NAMED if name.startswith(prefix)]
