"""The nine screens, and the dialogs and pages over them."""
