"""Every error of the service, arranged by what the caller can do about it.

    SchedulerError
    ├── ConfigError            a setting is missing or impossible: all faults in one message
    ├── DatabaseUnavailable    PostgreSQL is away: wait longer each time and go on
    ├── ScheduleError          one job's schedule cannot be read: set that job aside, go on with the others
    ├── ParameterError         parameters do not fit the handler: never retried
    ├── NotFound               no such job, execution, lock or type
    ├── Conflict               it exists, is locked, or has changed meanwhile
    └── NotAllowed             the state forbids it; the message says what to do first
"""


class SchedulerError(Exception):
    """The root; its text is always fit for an operator's eyes: the thing, then the way out."""


class ConfigError(SchedulerError):
    pass


class DatabaseUnavailable(SchedulerError):
    pass


class ScheduleError(SchedulerError):
    pass


class ParameterError(SchedulerError):
    pass


class NotFound(SchedulerError):
    pass


class Conflict(SchedulerError):
    pass


class NotAllowed(SchedulerError):
    pass
