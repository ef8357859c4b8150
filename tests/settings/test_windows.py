"""Windows of time: read, compared and explained."""

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from settings.section import Problem
from settings.windows import Window, window_rules

DAY, WEEK = 24 * 60, 7 * 24 * 60
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def time(minute):
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def daily(begin, minutes):
    return f"{time(begin)}-{time(begin + minutes)}"


def weekly(begin, minutes):
    moments = (begin % WEEK, (begin + minutes) % WEEK)
    return "-".join(f"{DAYS[moment // DAY]}:{time(moment)}" for moment in moments)


def covered(starts, minutes):
    """Return every minute of the week that a window covers."""
    return {(start + minute) % WEEK for start in starts for minute in range(minutes)}


DAILY = st.tuples(st.integers(0, DAY - 1), st.integers(1, 300))
WEEKLY = st.tuples(st.integers(0, WEEK - 1), st.integers(1, 600))
WINDOWS = st.one_of(
    DAILY.map(lambda window: Window.daily(daily(*window))), WEEKLY.map(lambda window: Window.weekly(weekly(*window)))
)


def test_a_daily_window_starts_on_each_of_seven_days():
    window = Window.daily("03:00-04:30")
    assert window.starts == tuple(day * DAY + 180 for day in range(7))
    assert window.minutes == 90


def test_a_daily_window_may_go_over_midnight():
    assert Window.daily("23:30-00:30").minutes == 60


def test_a_weekly_window_counts_from_sunday():
    assert Window.weekly("mon:05:00-mon:06:00") == Window((DAY + 300,), 60)


def test_a_weekly_window_may_go_over_the_end_of_the_week():
    assert Window.weekly("sat:23:30-sun:00:30").minutes == 60


@pytest.mark.parametrize(
    "text",
    ["", "03:00", "3:00-4:00", "24:00-01:00", "03:60-04:00", "03:00 - 04:00", "03:00-04:00\n", "sun:03:00-sun:04:00"],
)
def test_malformed_daily_windows_are_not_read(text):
    assert Window.daily(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "sun:05:00", "05:00-06:00", "Sun:05:00-Sun:06:00", "sunday:05:00-sunday:06:00", "sun:05:00-06:00"],
)
def test_malformed_weekly_windows_are_not_read(text):
    assert Window.weekly(text) is None


@pytest.mark.parametrize("text", ["0٣:00-04:00", "03:0٣-04:00", "03:00-0٤:00", "03:00-04:٣0"])
def test_digits_that_aws_would_not_read_are_not_read(text):
    assert Window.daily(text) is None
    assert Window.weekly(f"sun:{text.replace('-', '-sun:')}") is None


@given(DAILY, WEEKLY)
@settings(max_examples=200)
def test_a_daily_and_a_weekly_window_overlap_exactly_when_they_share_a_minute(day, week):
    shared = covered([number * DAY + day[0] for number in range(7)], day[1]) & covered([week[0]], week[1])
    event(f"overlap: {bool(shared)}")
    assert Window.daily(daily(*day)).overlaps(Window.weekly(weekly(*week))) == bool(shared)


@given(WINDOWS, WINDOWS)
def test_overlapping_is_mutual(one, other):
    assert one.overlaps(other) == other.overlaps(one)


@given(WINDOWS)
def test_every_window_overlaps_itself(window):
    assert window.overlaps(window)


def test_windows_that_only_touch_do_not_overlap():
    backup = Window.daily("03:00-04:00")
    assert not backup.overlaps(Window.weekly("sun:04:00-sun:05:00"))
    assert not backup.overlaps(Window.weekly("sun:02:00-sun:03:00"))
    assert backup.overlaps(Window.weekly("sun:03:59-sun:05:00"))
    assert backup.overlaps(Window.weekly("wed:02:00-wed:03:01"))


def test_windows_overlap_over_the_end_of_the_week():
    assert Window.daily("23:30-00:30").overlaps(Window.weekly("sun:00:00-sun:01:00"))
    assert Window.weekly("sat:23:30-sun:00:30").overlaps(Window.daily("00:00-00:10"))


def problems(backup, maintenance, least=30):
    return list(window_rules(("backup", backup, least), ("maintenance", maintenance, least)))


def test_good_windows_have_no_problems():
    assert problems("03:00-04:00", "sun:05:00-sun:06:00") == []


def test_a_window_may_be_as_short_as_the_least_and_no_shorter():
    assert problems("03:00-03:30", "sun:05:00-sun:05:30") == []
    assert problems("03:00-03:29", "sun:05:00-sun:05:29") == [
        Problem("backup", "must last at least 30 minutes", "03:00-03:29"),
        Problem("maintenance", "must last at least 30 minutes", "sun:05:00-sun:05:29"),
    ]


def test_a_window_that_ends_where_it_begins_is_too_short():
    assert problems("03:00-03:00", "sun:05:00-sun:06:00") == [
        Problem("backup", "must last at least 30 minutes", "03:00-03:00")
    ]


def test_malformed_windows_are_explained_by_an_example():
    assert problems("3-4", "sunday") == [
        Problem("backup", "must be a daily window in UTC such as 03:00-04:00", "3-4"),
        Problem("maintenance", "must be a weekly window in UTC such as sun:05:00-sun:06:00", "sunday"),
    ]


def test_overlapping_windows_are_explained_by_both():
    assert problems("05:30-06:30", "sun:05:00-sun:06:00") == [
        Problem("maintenance", "must not overlap backup (05:30-06:30)", "sun:05:00-sun:06:00")
    ]
