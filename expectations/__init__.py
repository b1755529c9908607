"""The two gates of a night: what comes in (`landing`) and what goes out (`publication`)."""
