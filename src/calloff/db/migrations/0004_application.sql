-- The VoiceXML documents of the deployments, every version of each, and the recordings that came with it.
CREATE TABLE application_document (
    deployment_id bigint NOT NULL REFERENCES deployment,
    version       integer NOT NULL CHECK (version > 0),
    vxml          bytea NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (deployment_id, version)
);

CREATE TABLE application_recording (
    deployment_id bigint NOT NULL,
    version       integer NOT NULL,
    name          text NOT NULL CHECK (name <> ''),
    wav           bytea NOT NULL,
    PRIMARY KEY (deployment_id, version, name),
    FOREIGN KEY (deployment_id, version) REFERENCES application_document
);
