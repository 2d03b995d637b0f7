"""The cache keeps within its budget and loads once."""

from concurrent.futures import ThreadPoolExecutor

from dashboard.cache import ByteCache


def test_a_kept_value_is_not_loaded_again():
    cache, loads = ByteCache(10, len), []
    for _ in range(3):
        assert cache.get("a", lambda: loads.append(1) or "xxx") == "xxx"
    assert len(loads) == 1


def test_the_least_recently_used_goes_first():
    cache = ByteCache(6, len)
    cache.get("a", lambda: "aaa")
    cache.get("b", lambda: "bbb")
    cache.get("a", lambda: "never")
    cache.get("c", lambda: "ccc")
    assert cache.weight == 6
    assert cache.get("a", lambda: "new") == "aaa"
    assert cache.get("b", lambda: "new") == "new"


def test_a_value_above_the_budget_is_given_but_not_kept():
    cache = ByteCache(2, len)
    assert cache.get("a", lambda: "too heavy") == "too heavy"
    assert cache.weight == 0


def test_threads_load_one_value_once():
    cache, loads = ByteCache(100, len), []
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: cache.get("a", lambda: loads.append(1) or "value"), range(64)))
    assert set(found) == {"value"}
    assert len(loads) == 1
