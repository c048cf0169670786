"""Clocks: the only assumptions about them.

An event is stamped by the clock of the process that decides it, and later than every event that it
was decided on, so each stream is in the order of time. A wrong clock can still date events wrongly
and expire holds too early or too late, and later events of the same streams inherit its time.

Lambda's clocks are kept by AWS and differ by milliseconds. AWS also refuses a request whose
signature is minutes old or ahead, so a writer whose clock is far off can write nothing.
"""

from datetime import timedelta

DIFFER = timedelta(minutes=1)
"""The most that two clocks are assumed to differ. A command on a head that is further ahead of this
clock is not done, and counted."""

SENT_WITHIN = timedelta(seconds=15)
"""The time from an append's stamp in which it may be sent; later it is decided and stamped again.
A command takes up to 5 seconds, and a Lambda 10."""

_SIGNED = timedelta(minutes=5)
# "In most cases, a request must reach AWS within five minutes of the time stamp in the request.
# Otherwise, AWS denies the request." (IAM User Guide, "AWS Signature Version 4 for API requests")

ARRIVES_WITHIN = SENT_WITHIN + _SIGNED + DIFFER
"""The time after an event's stamp when it is in the event table or never will be, by any clock: an
older period is final. An emulator checks no signatures, so there a longer delayed request could
still change it."""
