-- What else is known of a person: [["unit","north"],["unit","south"]].
ALTER TABLE users ADD COLUMN claims TEXT NOT NULL DEFAULT '[]' CHECK (json_type(claims) = 'array');
