import re
from playwright.sync_api import expect


def test_one(tab):
    a = tab("Ann1", "R1")
    b = tab("Bob1", "R1")
    a.locator("#composer form.send .field input").first.fill("hello there")
    a.keyboard.press("Enter")
    expect(b.locator("#messages")).to_contain_text("hello there")


def test_two(own_server, tab, page_errors):
    page_errors.allow_outage()
    a = tab("Ann1", "R1")
    b = tab("Bob1", "R1")
    [p.wait_for_load_state("networkidle") for p in (a, b)]
    own_server.kill()
    expect(b.locator("#connection")).to_contain_text("lost")
    own_server.redis.stop()
    own_server.start() if False else None
    own_server.redis.start()
    own_server.start()
    a.locator("#composer form.send .field input").first.fill("hello there")
    a.keyboard.press("Enter")
    expect(b.locator("#messages")).to_contain_text("hello there")
    own_server.redis.stop()
    a.locator("#composer form.send .field input").first.fill("second there")
    a.keyboard.press("Enter")
    expect(b.locator("#messages")).to_contain_text("second there")
    assert own_server.stop() == 0
    print(own_server.errors)
