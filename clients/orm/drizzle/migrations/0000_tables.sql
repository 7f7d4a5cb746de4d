CREATE TABLE `authors` (
	`id` int AUTO_INCREMENT NOT NULL,
	`name` varchar(100) NOT NULL,
	`email` varchar(100) NOT NULL,
	`born` date,
	`active` boolean NOT NULL DEFAULT true,
	CONSTRAINT `authors_id` PRIMARY KEY(`id`),
	CONSTRAINT `authors_email_unique` UNIQUE(`email`)
);
--> statement-breakpoint
CREATE TABLE `books` (
	`id` bigint AUTO_INCREMENT NOT NULL,
	`author_id` int NOT NULL,
	`title` text NOT NULL,
	`price` decimal(20,6) NOT NULL,
	`pages` int,
	`tags` json,
	`published` datetime(3),
	CONSTRAINT `books_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
ALTER TABLE `books` ADD CONSTRAINT `books_author_id_authors_id_fk` FOREIGN KEY (`author_id`) REFERENCES `authors`(`id`) ON DELETE no action ON UPDATE no action;
