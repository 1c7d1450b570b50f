-- The definition of a contract version as stored.
SELECT definition, hash, toUInt32(journal_seq) AS journal_seq
FROM meterline.catalog_versions FINAL
WHERE kind = 'contract' AND key = {contract: String} AND version = {version: UInt32}
