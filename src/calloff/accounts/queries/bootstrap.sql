WITH new_account AS (
    INSERT INTO account (name) SELECT 'First account' WHERE NOT EXISTS (SELECT FROM account) RETURNING id
), new_user AS (
    INSERT INTO account_user (account_id, email, is_administrator)
    SELECT id, %(email)s, true FROM new_account
    RETURNING id, account_id, email
), new_key AS (
    INSERT INTO developer_key (user_id, sha256) SELECT id, %(sha256)s FROM new_user
), new_trunk AS (
    INSERT INTO trunk (name, kind) SELECT 'simulated', 'simulated' FROM new_account RETURNING id
), new_application AS (
    INSERT INTO application (account_id, owner_user_id, name)
    SELECT account_id, id, 'First application' FROM new_user
    RETURNING id
), new_deployment AS (
    INSERT INTO deployment (application_id, trunk_id, name)
    SELECT a.id, t.id, 'Sandbox' FROM new_application AS a, new_trunk AS t
    RETURNING id
), new_queue AS (
    INSERT INTO queue (deployment_id) SELECT id FROM new_deployment
)
SELECT u.account_id, u.id AS user_id, u.email, a.id AS application_id, d.id AS deployment_id, t.id AS trunk_id
FROM new_user AS u, new_application AS a, new_deployment AS d, new_trunk AS t
