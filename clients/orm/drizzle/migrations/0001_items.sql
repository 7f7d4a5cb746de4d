CREATE TABLE `items` (
	`id` int AUTO_INCREMENT NOT NULL,
	`name` varchar(100) NOT NULL,
	`amount` int NOT NULL,
	CONSTRAINT `items_id` PRIMARY KEY(`id`),
	CONSTRAINT `items_name_unique` UNIQUE(`name`)
);
--> statement-breakpoint
CREATE INDEX `books_pages` ON `books` (`pages`);
