"""`python -m voiceflow_daemon` is the `voiceflow` command."""

import sys

from voiceflow_daemon.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
