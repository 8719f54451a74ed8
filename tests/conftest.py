"""What all tests share: an example of a property test has no deadline, for a busy machine is no defect."""

import hypothesis

hypothesis.settings.register_profile("mexc-tui", deadline=None)
hypothesis.settings.load_profile("mexc-tui")
