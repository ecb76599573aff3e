-- The event's cell of the cube, as in `truth_keys`, in place of `geo` and `device`, which are written no more.
ALTER TABLE truth_suspects ADD COLUMN IF NOT EXISTS cell String;
