"""Work in threads gives what the same work gives one after the other, errors in their place."""

import threading

import pytest

from lmbench.threads import ahead


def test_items_come_in_order_and_are_made_elsewhere():
    makers = []

    def made():
        for i in range(5):
            makers.append(threading.current_thread())
            yield i

    assert list(ahead(made())) == [0, 1, 2, 3, 4]
    assert threading.main_thread() not in makers


def test_an_error_is_raised_where_the_item_would_be():
    def made():
        yield 1
        raise KeyError("two")

    items = ahead(made())
    assert next(items) == 1
    with pytest.raises(KeyError, match="two"):
        next(items)
    assert list(ahead([])) == []
