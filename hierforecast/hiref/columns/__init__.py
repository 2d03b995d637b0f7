"""From a panel to the regression's columns: who and when of every row, the calendar, and every driver as x - ref."""
