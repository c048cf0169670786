"""Clocks: what is assumed of them, and what follows from it. Nothing else is assumed anywhere.

An event is stamped by the clock of the process that decides it, and later than every event that it
was decided on. So each stream is in the order of time, whatever the clocks say. What a wrong clock
can still do: date events wrongly, expire holds too early or too late, and, through the order, carry
a wrong time on to everybody who writes after it.

Lambda's clocks are kept by AWS and differ by milliseconds. AWS also refuses a request whose
signature is minutes old or from minutes ahead, so that a writer whose clock is far off can write
nothing.
"""

from datetime import timedelta

DIFFER = timedelta(minutes=1)
"""The most that two clocks are assumed to differ. A head that is further ahead of this clock is not
followed: the command is not done, and counted."""

SENT_WITHIN = timedelta(seconds=15)
"""After it was stamped, an append is sent for so long; later it is decided and stamped again. A
command takes up to 5 seconds, and a Lambda 10."""

_SIGNED = timedelta(minutes=5)
# "In most cases, a request must reach AWS within five minutes of the time stamp in the request.
# Otherwise, AWS denies the request." (IAM User Guide, "AWS Signature Version 4 for API requests")

ARRIVES_WITHIN = SENT_WITHIN + _SIGNED + DIFFER
"""After its own time an event is in the event table, or never will be, by any clock: what is longer
past than this is final. Against an engine on a laptop, which checks no signature, a request that is
delayed for longer on the way could still change it."""
