-- Nothing names these rows any more: days are counted into `truth_slices` anew, and the engine drops them here.
ALTER TABLE truth_day_slices MODIFY TTL billing_day + INTERVAL 1 DAY;
