-- What the application needs in the database: run by its owner, as often as one likes.
-- psql gets two variables: user, who logs in by IAM, and database.
\set ON_ERROR_STOP on
SELECT format('CREATE ROLE %I LOGIN', :'user')
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'user') \gexec
-- Login by token, and by no password.
GRANT rds_iam TO :"user";
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO :"user";
-- Since PostgreSQL 15 nobody but the owner may create in it (https://www.postgresql.org/docs/release/15.0/). The
-- application's migrations do.
GRANT USAGE, CREATE ON SCHEMA public TO :"user";
