"""Learn before reserving: training sessions, certificates, safety training."""

import sqlalchemy as sa
from alembic import op

revision = "e7a1"
down_revision = "e5a2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('safety_training',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(32), nullable=False),
    sa.Column('done_on', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('facility_id', sa.Integer(), nullable=False),
    sa.Column('recorded_by_id', sa.Integer(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('valid_until IS NULL OR done_on <= valid_until', name=op.f('ck_safety_training_ends_after_start')),
    sa.ForeignKeyConstraint(['facility_id'], ['facility.id'], name=op.f('fk_safety_training_facility_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['user.id'], name=op.f('fk_safety_training_recorded_by_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_safety_training_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_safety_training'))
    )
    op.create_index(op.f('ix_safety_training_user_id'), 'safety_training', ['user_id'], unique=False)
    op.create_table('training_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('facility_id', sa.Integer(), nullable=False),
    sa.Column('title_ko', sa.String(length=200), nullable=False),
    sa.Column('title_en', sa.String(length=200), nullable=False),
    sa.Column('trainer', sa.String(length=200), nullable=False),
    sa.Column('place', sa.String(length=300), nullable=False),
    sa.Column('seats', sa.Integer(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sign_up_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('level', sa.String(32), nullable=False),
    sa.Column('online_url', sa.String(length=500), nullable=True),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_reason', sa.String(length=500), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('seats >= 1', name=op.f('ck_training_session_a_seat_at_least')),
    sa.CheckConstraint('sign_up_until <= ends_at', name=op.f('ck_training_session_sign_up_before_the_end')),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_training_session_ends_after_start')),
    sa.ForeignKeyConstraint(['facility_id'], ['facility.id'], name=op.f('fk_training_session_facility_id')),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_training_session_made_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_training_session'))
    )
    op.create_index('ix_training_session_facility', 'training_session', ['facility_id', 'starts_at'], unique=False)
    op.create_index('ix_training_session_starts_at', 'training_session', ['starts_at'], unique=False)
    op.create_table('certificate',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('facility_id', sa.Integer(), nullable=False),
    sa.Column('instrument_id', sa.Integer(), nullable=True),
    sa.Column('technique_id', sa.Integer(), nullable=True),
    sa.Column('level', sa.String(32), nullable=False),
    sa.Column('granted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('granted_on', sa.Date(), nullable=False),
    sa.Column('granted_by_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=True),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_by_id', sa.Integer(), nullable=True),
    sa.Column('withdrawn_reason', sa.String(length=500), nullable=False),
    sa.Column('replaced_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_reason = '')", name=op.f('ck_certificate_withdrawn_why')),
    sa.CheckConstraint('instrument_id IS NULL OR technique_id IS NULL', name=op.f('ck_certificate_of_one_thing')),
    sa.ForeignKeyConstraint(['facility_id'], ['facility.id'], name=op.f('fk_certificate_facility_id')),
    sa.ForeignKeyConstraint(['granted_by_id'], ['user.id'], name=op.f('fk_certificate_granted_by_id')),
    sa.ForeignKeyConstraint(['instrument_id'], ['instrument.id'], name=op.f('fk_certificate_instrument_id')),
    sa.ForeignKeyConstraint(['session_id'], ['training_session.id'], name=op.f('fk_certificate_session_id')),
    sa.ForeignKeyConstraint(['technique_id'], ['technique.id'], name=op.f('fk_certificate_technique_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_certificate_user_id')),
    sa.ForeignKeyConstraint(['withdrawn_by_id'], ['user.id'], name=op.f('fk_certificate_withdrawn_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate'))
    )
    op.create_index('ix_certificate_facility', 'certificate', ['facility_id'], unique=False, postgresql_where=sa.text('withdrawn_at IS NULL AND replaced_at IS NULL'), sqlite_where=sa.text('withdrawn_at IS NULL AND replaced_at IS NULL'))
    op.create_index('ix_certificate_user', 'certificate', ['user_id', 'facility_id'], unique=False)
    op.create_table('sign_up',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('standing', sa.String(32), nullable=False),
    sa.Column('signed_up_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False),
    sa.Column('result', sa.String(32), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("result IS NULL OR standing = 'seated'", name=op.f('ck_sign_up_results_of_the_seated')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user.id'], name=op.f('fk_sign_up_decided_by_id')),
    sa.ForeignKeyConstraint(['session_id'], ['training_session.id'], name=op.f('fk_sign_up_session_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_sign_up_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_up')),
    sa.UniqueConstraint('session_id', 'user_id', name=op.f('uq_sign_up_session_id_user_id'))
    )
    op.create_index(op.f('ix_sign_up_user_id'), 'sign_up', ['user_id'], unique=False)
    op.create_table('training_cover',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('instrument_id', sa.Integer(), nullable=True),
    sa.Column('technique_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(instrument_id IS NULL) <> (technique_id IS NULL)', name=op.f('ck_training_cover_of_one_thing')),
    sa.ForeignKeyConstraint(['instrument_id'], ['instrument.id'], name=op.f('fk_training_cover_instrument_id')),
    sa.ForeignKeyConstraint(['session_id'], ['training_session.id'], name=op.f('fk_training_cover_session_id')),
    sa.ForeignKeyConstraint(['technique_id'], ['technique.id'], name=op.f('fk_training_cover_technique_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_training_cover'))
    )
    op.create_index(op.f('ix_training_cover_session_id'), 'training_cover', ['session_id'], unique=False)
    op.create_table('certificate_warning',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('certificate_id', sa.Integer(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['certificate_id'], ['certificate.id'], name=op.f('fk_certificate_warning_certificate_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_warning')),
    sa.UniqueConstraint('certificate_id', 'ends_on', 'days', name=op.f('uq_certificate_warning_certificate_id_ends_on_days'))
    )


def downgrade() -> None:
    op.drop_table('certificate_warning')
    op.drop_index(op.f('ix_training_cover_session_id'), table_name='training_cover')
    op.drop_table('training_cover')
    op.drop_index(op.f('ix_sign_up_user_id'), table_name='sign_up')
    op.drop_table('sign_up')
    op.drop_index('ix_certificate_user', table_name='certificate')
    op.drop_index('ix_certificate_facility', table_name='certificate', postgresql_where=sa.text('withdrawn_at IS NULL AND replaced_at IS NULL'), sqlite_where=sa.text('withdrawn_at IS NULL AND replaced_at IS NULL'))
    op.drop_table('certificate')
    op.drop_index('ix_training_session_starts_at', table_name='training_session')
    op.drop_index('ix_training_session_facility', table_name='training_session')
    op.drop_table('training_session')
    op.drop_index(op.f('ix_safety_training_user_id'), table_name='safety_training')
    op.drop_table('safety_training')
